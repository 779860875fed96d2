package slipway.keycloak.hashing;

import java.util.concurrent.Semaphore;

import org.keycloak.Config;
import org.keycloak.credential.hash.PasswordHashProvider;
import org.keycloak.credential.hash.PasswordHashProviderFactory;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.KeycloakSessionFactory;

/** Keycloak finds it by the name that a credential has as its algorithm. Its order stays 0: it is never the default. */
public final class BcryptPasswordHashProviderFactory implements PasswordHashProviderFactory {

    /** As in slipway/core/identity/password_hashes.py. */
    static final String ID = "bcrypt";

    private final Semaphore processors = new Semaphore(Runtime.getRuntime().availableProcessors());

    @Override
    public PasswordHashProvider create(KeycloakSession session) {
        return new BcryptPasswordHashProvider(processors);
    }

    @Override
    public String getId() {
        return ID;
    }

    @Override
    public void init(Config.Scope config) {
        // It has no settings.
    }

    @Override
    public void postInit(KeycloakSessionFactory factory) {
        // It needs no other factory.
    }

    @Override
    public void close() {
        // It holds nothing.
    }
}
