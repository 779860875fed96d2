package slipway.keycloak.hashing;

import java.util.concurrent.Semaphore;

import org.keycloak.credential.hash.PasswordHashProvider;
import org.keycloak.models.PasswordPolicy;
import org.keycloak.models.credential.PasswordCredentialModel;

/**
 * Checks the passwords of people who were imported with a bcrypt hash. It makes no hashes: at the first sign-in Keycloak
 * asks the realm's own algorithm, which finds that the stored hash is not one of its own and replaces it.
 */
final class BcryptPasswordHashProvider implements PasswordHashProvider {

    private final Semaphore processors;

    BcryptPasswordHashProvider(Semaphore processors) {
        this.processors = processors;
    }

    /** Asked only where a realm's password policy names bcrypt: an imported hash then stays, so that people can sign in. */
    @Override
    public boolean policyCheck(PasswordPolicy policy, PasswordCredentialModel credential) {
        return BcryptPasswordHashProviderFactory.ID.equals(credential.getPasswordCredentialData().getAlgorithm());
    }

    @Override
    public PasswordCredentialModel encodedCredential(String rawPassword, int iterations) {
        throw new UnsupportedOperationException(
                "bcrypt is for imported passwords only: choose argon2 as the hashing algorithm of the password policy");
    }

    @Override
    public boolean verify(String rawPassword, PasswordCredentialModel credential) {
        return BcryptHash.parse(credential.getPasswordSecretData().getValue())
                .map(hash -> isOf(rawPassword, hash))
                .orElse(false);
    }

    /** No more at a time than there are processors, as Keycloak's own argon2 does it. */
    private boolean isOf(String password, BcryptHash hash) {
        processors.acquireUninterruptibly();
        try {
            return hash.isOf(password);
        } finally {
            processors.release();
        }
    }

    @Override
    public void close() {
        // It holds nothing.
    }
}
