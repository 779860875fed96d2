"""What answers of the domain name system mean: does a name lead to this host, who may issue for it, whose is it?"""
